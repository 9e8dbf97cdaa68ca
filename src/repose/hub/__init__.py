"""Weight files of other people's networks: what they are (`files`) and how they get here (`fetch`)."""
