"""Recipes: their schema, how they are read, and what is wrong with one, in words."""

from findalike.config.data import DataSection, TrainingData, ValidationData
from findalike.config.explain import explain
from findalike.config.loop import (
    FinishSection,
    KeepSection,
    LoggingSection,
    TrainSection,
    ValidateSection,
)
from findalike.config.losses import (
    ArcFace,
    Contrastive,
    CrossEntropy,
    DistillationSection,
    MemorySection,
    MetricLearning,
    SupervisedContrastive,
)
from findalike.config.model import InputSection, LevelSection, ModelSection, WhiteningSection
from findalike.config.optimizing import OptimizerSection, SchedulerSection
from findalike.config.paths import resolve_path
from findalike.config.read import read_recipe
from findalike.config.recipe import Recipe, Run, fingerprint
from findalike.config.sampling import (
    AugmentSection,
    ColourAugment,
    CropAugment,
    PasteAugment,
    PhoneAugment,
    SamplerSection,
)

__all__ = [
    "ArcFace",
    "AugmentSection",
    "ColourAugment",
    "Contrastive",
    "CropAugment",
    "CrossEntropy",
    "DataSection",
    "DistillationSection",
    "FinishSection",
    "InputSection",
    "KeepSection",
    "LevelSection",
    "LoggingSection",
    "MemorySection",
    "MetricLearning",
    "ModelSection",
    "OptimizerSection",
    "PasteAugment",
    "PhoneAugment",
    "Recipe",
    "Run",
    "SamplerSection",
    "SchedulerSection",
    "SupervisedContrastive",
    "TrainSection",
    "TrainingData",
    "ValidateSection",
    "ValidationData",
    "WhiteningSection",
    "explain",
    "fingerprint",
    "read_recipe",
    "resolve_path",
]
