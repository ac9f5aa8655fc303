"""How long a chip and its link take: a model, without a chip and without waiting."""
