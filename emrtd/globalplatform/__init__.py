"""Secure Channel Protocol 03 of GlobalPlatform, both sides, and the keys of a card.

GPCS is the GlobalPlatform Card Specification 2.3.1, "Amendment D" its amendment for SCP03 (1.1.1
for S8; S16 comes from 1.2).
"""
