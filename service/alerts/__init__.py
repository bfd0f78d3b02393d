"""What detections found, as alerts: matches become signals, signals of one kind become one alert. Pure; see README.md."""
