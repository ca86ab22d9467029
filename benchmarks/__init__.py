"""Measurements of the driver, each as a ratio of two times taken in one run."""
