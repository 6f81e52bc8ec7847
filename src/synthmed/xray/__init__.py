"""Synthetic X-rays from CT volumes: geometry, line integrals, physics of beam and detector.

The modules are imported one by one; `scene` and `exposure` need no torch, `simulate` needs the
extra ``[xray]``.
"""
