"""Settings and their sources: options, environment variables, profiles, and the API token."""
