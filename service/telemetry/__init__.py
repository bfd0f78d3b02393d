"""What the service says about itself: log, metrics, health, status page."""
