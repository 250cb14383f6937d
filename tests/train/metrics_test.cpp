#include "train/metrics.h"

#include <cmath>
#include <limits>

#include "support/expect_error.h"

namespace scatlight::train {
namespace {

using Indices = std::vector<std::int64_t>;

TEST(Metrics, CountsWhatIsRight) {
  Metrics metrics(6);
  // Class 0 is first; class 5 is last, so outside the best five; class 2 is second.
  metrics.add(std::vector<float>{9, 1, 1, 1, 1, 1,  //
                                 6, 5, 4, 3, 2, 1,  //
                                 0, 5, 4, 3, 2, 1},
              Indices{0, 5, 2});
  EXPECT_EQ(metrics.images(), 3);
  EXPECT_DOUBLE_EQ(metrics.top1(), 100.0 / 3);
  EXPECT_DOUBLE_EQ(metrics.top5(), 200.0 / 3);
  EXPECT_EQ(metrics.confusion()[0 * 6 + 0], 1);
  EXPECT_EQ(metrics.confusion()[5 * 6 + 0], 1) << "row: the true class, column: the predicted one";
  EXPECT_EQ(metrics.confusion()[2 * 6 + 1], 1);
  EXPECT_EQ(metrics.class_images(5), 1);
  EXPECT_EQ(metrics.class_correct(5), 0);
  EXPECT_DOUBLE_EQ(metrics.class_top1(0), 100);
  EXPECT_DOUBLE_EQ(metrics.class_top1(1), 0) << "of no images";
}

TEST(Metrics, LossIsTheMeanCrossEntropyOverAllBatches) {
  Metrics metrics(2);
  metrics.add(std::vector<float>{0, 0}, Indices{0});                                     // log 2
  metrics.add(std::vector<float>{0, std::log(3.0F), 0, std::log(3.0F)}, Indices{0, 1});  // log 4, log 4/3
  EXPECT_NEAR(metrics.loss(), (std::log(2.0) + std::log(4.0) + std::log(4.0 / 3)) / 3, 1e-7);
}

TEST(Metrics, EqualScoresFavourTheSmallerIndexAlsoInTopFive) {
  Metrics metrics(7);
  metrics.add(std::vector<float>(14, 0.0F), Indices{0, 5});
  EXPECT_DOUBLE_EQ(metrics.top1(), 50);
  EXPECT_DOUBLE_EQ(metrics.top5(), 50);
}

TEST(Metrics, RefusesNumbersThatAreNotFinite) {
  Metrics metrics(2);
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    test::expect_error([&] { metrics.add(std::vector<float>{0, bad}, Indices{0}); }, "not finite");
  }
  EXPECT_EQ(metrics.images(), 0);
}

}  // namespace
}  // namespace scatlight::train
