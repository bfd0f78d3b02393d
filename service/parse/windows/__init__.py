"""Events of Windows event logs, in whichever form an agent wrote them, as one kind of raw event."""
