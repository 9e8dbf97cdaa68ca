"""What the subcommands `repose eval` and `repose bench` measure: trained models, forward time, loading; and tables."""
