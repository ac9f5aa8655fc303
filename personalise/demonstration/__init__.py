"""The demonstration: the main job, narrated."""
