"""Recipes, checkpoints, the latent cache and the training of codecs and generators."""
