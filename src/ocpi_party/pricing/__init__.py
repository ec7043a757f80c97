"""What a charging session costs: tariffs × charging periods → amounts, as pure functions over OCPI 2.2.1 documents."""
