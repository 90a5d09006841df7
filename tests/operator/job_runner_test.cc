#include "operator/job_runner.h"

#include <gtest/gtest.h>

#include <latch>

#include "tests/support/await.h"

namespace lockkeeper::app {
namespace {

using execute::ProgressView;
using reconcile::JobKey;
using reconcile::JobKind;

const JobKey key{.uid = "u", .wake = {"shop", "m"}, .epoch = 1, .kind = JobKind::expand};

void show(execute::Progress& progress, const std::string& step) {
  progress.update([&](ProgressView& view) { view.step = step; });
}

TEST(JobRunner, one_that_is_cancelled_at_the_next_step_ends_this_one_and_begins_none) {
  const base::Context root({}, base::Clock::real(), base::Logger());
  std::latch began(1), go_on(1), woken(1);
  bool stopped_within = true;
  bool stopped_after = false;
  JobRunner runner(root, [&](const reconcile::Key&) { woken.count_down(); });
  ASSERT_TRUE(runner.start(
      key,
      [&](const base::Context& ctx, execute::Progress& progress) -> base::Result<execute::Record> {
        show(progress, "index");
        began.count_down();
        go_on.wait();
        show(progress, "index");  // the same step, further on
        stopped_within = ctx.stop().stop_requested();
        show(progress, "next");
        stopped_after = ctx.stop().stop_requested();
        return base::cancelled("stopped");
      }));
  began.wait();
  runner.cancel_at_next_step("u");
  EXPECT_FALSE(runner.poll("u")->cancelling);
  go_on.count_down();
  woken.wait();
  EXPECT_FALSE(stopped_within);
  EXPECT_TRUE(stopped_after);
}

}  // namespace
}  // namespace lockkeeper::app
