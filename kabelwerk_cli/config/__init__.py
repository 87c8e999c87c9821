"""Settings and where they come from: options, environment, profiles, the token."""
