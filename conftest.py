"""The kernels of nbval, too, are reached over ipc."""

import nbval.kernel
from kernel import kernel_manager

nbval.kernel.KernelManager = kernel_manager
