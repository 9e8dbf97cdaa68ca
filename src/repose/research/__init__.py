"""Research on the renderer and on what models do: no benchmark of speed, and no part of making a picture.

`realism` compares rendered people with photographs, by distances of features (`views`), by classifiers that tell the
two apart (`classifiers`) and by plain numbers of pictures (`image_statistics`); `neighbours` shows the nearest ones;
`joints` counts what a pose estimator finds on them; `sample` picks the pictures. `turns` scores models on people who
turn on the spot (`turning` renders them, `references` are what a model is compared with). `failures` measures single
pairs and picks the worst, `gallery` draws them. `photographs` scores models on photographs that no training saw.
"""
