"""The web console: pages made on the server, for people who look after an installation."""
