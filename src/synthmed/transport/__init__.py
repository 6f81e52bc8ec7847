"""Transport between noise and images: paths, drift, guidance, solvers, grids, seeds. torch only."""

from synthmed.transport.ddim import ddim_grid, ddim_steps, ddim_walk
from synthmed.transport.drift import Drift
from synthmed.transport.grids import shifted_grid, uniform_grid
from synthmed.transport.guidance import Field, Guidance, Velocities, guided
from synthmed.transport.paths import LinearPath, Path, PathSample
from synthmed.transport.seeds import batch_noise, noise, row_seed, step_generator
from synthmed.transport.solvers import SOLVERS, evaluations, integrate
from synthmed.transport.vp import VariancePreservingPath

__all__ = [
    "SOLVERS",
    "Drift",
    "Field",
    "Guidance",
    "LinearPath",
    "Path",
    "PathSample",
    "VariancePreservingPath",
    "Velocities",
    "batch_noise",
    "ddim_grid",
    "ddim_steps",
    "ddim_walk",
    "evaluations",
    "guided",
    "integrate",
    "noise",
    "row_seed",
    "shifted_grid",
    "step_generator",
    "uniform_grid",
]
