"""Codec, conditioners, denoiser and the Generator that bundles them."""
