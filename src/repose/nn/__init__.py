"""Feature networks of others as plain modules that load their published weights: VGG16, VGG19 and MobileNetV2."""
