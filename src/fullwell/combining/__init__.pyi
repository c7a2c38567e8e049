from .options import DEFAULT_MEMORY as DEFAULT_MEMORY
from .options import NoiseModel as NoiseModel
from .stacks import Combined as Combined
from .stacks import combine as combine
from .stacks import stack as stack
from .to_file import Outcome as Outcome
from .to_file import stack_files as stack_files
from .to_file import stack_to_file as stack_to_file
