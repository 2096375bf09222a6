"""Speed, measured: paired against the native estimator and the best peers, equality first."""
