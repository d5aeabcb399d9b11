"""How long the program takes, beside a flat program and docker compose with the same resources: `python -m bench`."""
