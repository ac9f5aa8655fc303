"""What the services over HTTPS have in common: errors, clients, health, OpenAPI description."""
