"""Darknet's way from an image to detections, in plain loops: slow, obvious, and independent of the package.

Written from the description of `resize_image`, `letterbox_image`, `correct_yolo_boxes`,
`get_yolo_detections`, `box_iou`, `box_diounms` and `diounms_sort` in AlexeyAB's image.c, yolo_layer.c and
box.c. Boxes are (x, y, w, h) around a centre.
"""

from __future__ import annotations

import math

import numpy as np


def resize_image(image, new_height, new_width):
    """Bilinear, corners on corners, columns first; the last row and column copy the last of the image."""
    height, width, channels = image.shape
    if (height, width) == (new_height, new_width):
        return image.copy()
    part = np.zeros((height, new_width, channels))
    for column in range(new_width):
        if column == new_width - 1 or width == 1:
            part[:, column] = image[:, width - 1]
            continue
        x = column * (width - 1) / (new_width - 1)
        left, share = int(x), x - int(x)
        part[:, column] = (1 - share) * image[:, left] + share * image[:, left + 1]
    resized = np.zeros((new_height, new_width, channels))
    for row in range(new_height):
        if row == new_height - 1 or height == 1:
            resized[row] = part[height - 1]
            continue
        y = row * (height - 1) / (new_height - 1)
        top, share = int(y), y - int(y)
        resized[row] = (1 - share) * part[top] + share * part[top + 1]
    return resized


def letterbox_size(height, width, net_height, net_width):
    """Rows and columns of the input that the image covers."""
    if net_width / width < net_height / height:
        return (height * net_width) // width, net_width
    return net_height, (width * net_height) // height


def letterbox_image(image, net_height, net_width):
    """The resized image in the middle of a grey canvas."""
    rows, columns = letterbox_size(*image.shape[:2], net_height, net_width)
    canvas = np.full((net_height, net_width, image.shape[2]), 0.5)
    top, left = (net_height - rows) // 2, (net_width - columns) // 2
    resized = resize_image(image, rows, columns)
    for row in range(rows):
        for column in range(columns):
            canvas[top + row, left + column] = resized[row, column]
    return canvas


def correct_box(box, height, width, net_height, net_width, letterbox):
    """From fractions of the input to fractions of the image."""
    x, y, w, h = box
    rows, columns = (
        letterbox_size(height, width, net_height, net_width) if letterbox else (net_height, net_width)
    )
    ratio_x, ratio_y = columns / net_width, rows / net_height
    x = (x - (net_width - columns) / 2 / net_width) / ratio_x
    y = (y - (net_height - rows) / 2 / net_height) / ratio_y
    return x, y, w / ratio_x, h / ratio_y


def detections(boxes, objectness, classes, threshold):
    """What `get_yolo_detections` gives: (box, scores), one for each box that is worth it."""
    found = []
    for box, is_object, probabilities in zip(boxes, objectness, classes, strict=True):
        if is_object > threshold:
            scores = [is_object * p if is_object * p > threshold else 0.0 for p in probabilities]
            found.append((box, scores))
    return found


def overlap(centre_a, size_a, centre_b, size_b):
    """Of two intervals; negative when they are apart."""
    left = max(centre_a - size_a / 2, centre_b - size_b / 2)
    right = min(centre_a + size_a / 2, centre_b + size_b / 2)
    return right - left


def box_iou(a, b):
    """Intersection over union, 0 when either is 0."""
    w, h = overlap(a[0], a[2], b[0], b[2]), overlap(a[1], a[3], b[1], b[3])
    intersection = w * h if w > 0 and h > 0 else 0.0
    union = a[2] * a[3] + b[2] * b[3] - intersection
    return 0.0 if intersection == 0 or union == 0 else intersection / union


def distance_ratio(a, b):
    """d²/c², 0 when the box around both is a point."""
    width = max(a[0] + a[2] / 2, b[0] + b[2] / 2) - min(a[0] - a[2] / 2, b[0] - b[2] / 2)
    height = max(a[1] + a[3] / 2, b[1] + b[3] / 2) - min(a[1] - a[3] / 2, b[1] - b[3] / 2)
    diagonal = width**2 + height**2
    return 0.0 if diagonal == 0 else ((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) / diagonal


def criterion(a, b, kind, beta):
    """What is held against the threshold."""
    exponent = {"default": math.inf, "greedynms": 0.6, "diounms": beta}[kind]
    return box_iou(a, b) - (0.0 if kind == "default" else distance_ratio(a, b) ** exponent)


def nms(boxes, scores, threshold, kind, beta):
    """The surviving (score, box number, class), best first; equal ones by box, then by class."""
    scores = [list(row) for row in scores]
    for k in range(len(scores[0]) if scores else 0):
        order = sorted(range(len(boxes)), key=lambda b: -scores[b][k])
        for place, i in enumerate(order):
            if scores[i][k] == 0:
                continue
            for j in order[place + 1 :]:
                if criterion(boxes[i], boxes[j], kind, beta) > threshold:
                    scores[j][k] = 0.0
    left = [(s, b, k) for b, row in enumerate(scores) for k, s in enumerate(row) if s > 0]
    return sorted(left, key=lambda each: -each[0])
