"""What the readers of pose files take for granted."""

from __future__ import annotations

from typing import Final

MIN_SCORE: Final = 0.3
"""A joint with a lower score is missing.

Estimators write every joint into their files; one that is not in the picture has a score of a few hundredths and lies
anywhere, and a single stray ankle rules the size of the whole figure. 0.3 is the score from which mmpose (kpt_thr),
ControlNet's DWPose draw a joint and which AlphaPose's maintainers advise; MediaPipe and AlphaPose draw from
0.5 and 0.4 on. Scores that pass 1 (RTMPose's logits, AlphaPose's models on COCO) mean the same at 0.3, as these tools
compare them with the same number.
"""
