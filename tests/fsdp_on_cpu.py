"""`python -m training`, with FSDP over processes on the CPU: to be started by accelerate's launcher.

accelerate applies FSDP where it sees several accelerators only; torch itself shards over gloo just as well.
"""

import sys

from accelerate.state import PartialState
from accelerate.utils import DistributedType
from torch.distributed.tensor import DTensor
from transformers import Trainer

began, saved = PartialState.__init__, Trainer.save_model


def begin(self, *args, **options):
    began(self, *args, **options)
    if self.distributed_type == DistributedType.MULTI_CPU:
        self.distributed_type = DistributedType.MULTI_GPU


def save(self, *args, **options):
    assert any(isinstance(weight, DTensor) for weight in self.model.parameters()), "FSDP is not on"
    saved(self, *args, **options)


PartialState.__init__, Trainer.save_model = begin, save

if __name__ == "__main__":
    from repalign_training.__main__ import main

    sys.exit(main(sys.argv[1:]))
