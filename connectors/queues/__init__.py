"""Batch queues: what is the same for all of them, whoever manages the queue."""
