"""Measurements of the driver, each as a ratio of two figures of one run."""
