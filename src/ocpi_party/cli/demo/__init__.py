"""demo: two platforms of ours, a CPO and an eMSP, roam over real HTTP, and each step is checked at both ends."""
