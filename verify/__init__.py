"""Inspects eMRTDs: evidence, judgement, trust store, reports."""
