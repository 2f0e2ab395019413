"""An experiment as a whole: planned, forecast, executed by an engine, its state, what it costs."""
