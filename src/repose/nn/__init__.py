"""Feature networks of others, rebuilt as plain modules that load their published weights: VGG19 and MobileNetV2."""
