"""The demonstration: two studies with nobody real in them, three links, and a server on this machine alone."""
