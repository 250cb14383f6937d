#pragma once

#include <array>
#include <vector>

namespace scatlight::detect {

/// How a detector treats boxes. The defaults are the paper's (section 3.2), for VOC.
struct DetectorOptions {
  std::vector<float> anchor_sizes = {128, 256, 512};  ///< Sides of squares of the same area, in pixels.
  std::vector<float> anchor_ratios = {0.5F, 1, 2};    ///< Height by width.
  bool inside_anchors = true;  ///< Train only on the anchors that lie within the picture.

  int rpn_samples = 256;      ///< Anchors of an image in the loss.
  float rpn_share = 0.5F;     ///< Of positives among them, at most.
  float rpn_positive = 0.7F;  ///< An anchor is positive from this intersection over union on ...
  float rpn_negative = 0.3F;  ///< ... and negative below this one.
  float rpn_beta = 1.0F / 9;  ///< Where smooth L1 turns from quadratic to linear.

  int proposals_before = 12000;  ///< Of an image in training, before NMS ...
  int proposals = 2000;          ///< ... and after it.
  int test_before = 6000;        ///< The same in tests.
  int test_proposals = 300;
  float proposal_iou = 0.7F;  ///< What NMS lets two proposals have in common at most.

  int roi_samples = 128;      ///< Proposals of an image in the loss.
  float roi_share = 0.25F;    ///< Of objects among them, at most.
  float roi_positive = 0.5F;  ///< A proposal is of an object's class from this intersection over union on ...
  float roi_negative = 0;     ///< ... and background from this one to that.
  std::array<float, 4> deviations = {0.1F, 0.1F, 0.2F,
                                     0.2F};  ///< The head's box targets are divided by these.
  float box_beta = 1;

  float score = 0;       ///< Detections have a higher score ...
  float nms_iou = 0.3F;  ///< ... at most this in common with others of their class ...
  int most = 100;        ///< ... and an image has at most this many.
};

/// Throws Error for numbers that are out of range.
void check(const DetectorOptions& options);

}  // namespace scatlight::detect
