"""The checks by topic. Each is a class of test methods that `ProviderConformance` puts together."""
