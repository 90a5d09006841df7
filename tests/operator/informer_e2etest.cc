// The informer against a real API server, as a ServiceAccount with a token.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "operator/kube/informer.h"
#include "tests/operator/cluster.h"
#include "tests/support/await.h"

namespace lockkeeper::kube {
namespace {

using support::await;
using support::ControlPlane;

struct Following {
  explicit Following(Client& client, const std::string& ns)
      : informer(client, {.resource = widgets, .namespaces = {ns}}, decode_widget) {
    informer.on_change([this](const Change<Widget>&) { changes.fetch_add(1); });
    thread = std::jthread([this] { informer.run(running.context()); });
  }
  ~Following() { running.stop(); }
  Following(const Following&) = delete;
  Following& operator=(const Following&) = delete;

  [[nodiscard]] int size_of(const ObjectKey& key) const {
    const auto object = informer.store().get(key);
    return object ? object->size : -1;
  }

  Running running;
  std::atomic<int> changes{0};
  Informer<Widget> informer;
  std::jthread thread;
};

TEST(InformerE2eTest, FollowsObjectsThatAreMadeChangedAndDeleted) {
  auto& plane = ControlPlane::shared();
  install_widgets(plane);
  const auto ns = plane.create_namespace(false);
  const auto client = client_of(widget_keeper(plane, ns));
  const Running running;
  const auto ctx = running.context();
  ASSERT_TRUE(client->create(ctx, widgets, ns, widget(ns, "first", 1)).ok());

  const Following following(*client, ns);
  ASSERT_TRUE(following.informer.wait_synced(ctx.with_timeout(std::chrono::seconds{20})).ok());
  EXPECT_EQ(following.size_of({ns, "first"}), 1);

  const auto made = client->create(ctx, widgets, ns, widget(ns, "second", 2));
  ASSERT_TRUE(made.ok()) << made.error().text();
  EXPECT_TRUE(await([&] { return following.size_of({ns, "second"}) == 2; }));

  const auto changed =
      client->merge_patch(ctx, widgets, {ns, "second"}, {{"spec", {{"size", 22}}}});
  ASSERT_TRUE(changed.ok()) << changed.error().text();
  EXPECT_TRUE(await([&] { return following.size_of({ns, "second"}) == 22; }));

  ASSERT_TRUE(client->remove(ctx, widgets, {ns, "first"}).ok());
  EXPECT_TRUE(await([&] { return !following.informer.store().find({ns, "first"}); }));
}

TEST(InformerE2eTest, AnObjectThatDoesNotDecodeIsKeptWithItsError) {
  auto& plane = ControlPlane::shared();
  install_widgets(plane);
  const auto ns = plane.create_namespace(false);
  const auto client = client_of(widget_keeper(plane, ns));
  const Running running;
  const auto ctx = running.context();
  const Following following(*client, ns);
  Json broken = widget(ns, "broken", 0);
  broken["spec"].erase("size");
  ASSERT_TRUE(client->create(ctx, widgets, ns, broken).ok());
  ASSERT_TRUE(client->create(ctx, widgets, ns, widget(ns, "whole", 3)).ok());
  ASSERT_TRUE(await([&] { return following.size_of({ns, "whole"}) == 3; }));
  const auto entry = following.informer.store().find({ns, "broken"});
  ASSERT_NE(entry.undecoded, nullptr);
  EXPECT_EQ(entry.undecoded->error.path, "spec.size");
  EXPECT_FALSE(entry.undecoded->meta.uid.empty());
}

TEST(InformerE2eTest, SurvivesARestartOfTheApiServer) {
  ControlPlane plane;  // its own: others do not expect to be cut
  install_widgets(plane);
  const auto ns = plane.create_namespace(false);
  const auto client = client_of(widget_keeper(plane, ns));
  const Running running;
  const auto ctx = running.context();
  ASSERT_TRUE(client->create(ctx, widgets, ns, widget(ns, "before", 1)).ok());
  const Following following(*client, ns);
  ASSERT_TRUE(await([&] { return following.size_of({ns, "before"}) == 1; }));

  plane.halt("apiserver");
  EXPECT_EQ(client->get(ctx, widgets, {ns, "before"}).error().code, base::ErrorCode::unavailable);
  EXPECT_EQ(following.size_of({ns, "before"}), 1) << "what is known stays known";
  plane.resume("apiserver");
  ASSERT_TRUE(await([&] {
    return client->create(ctx, widgets, ns, widget(ns, "after", 2)).ok() ||
           client->get(ctx, widgets, {ns, "after"}).ok();
  }));
  EXPECT_TRUE(await(
      [&] {
        return following.size_of({ns, "after"}) == 2;
      },
      std::chrono::seconds{60}));
  ASSERT_TRUE(client->remove(ctx, widgets, {ns, "before"}).ok());
  EXPECT_TRUE(await([&] { return !following.informer.store().find({ns, "before"}); }));
}

}  // namespace
}  // namespace lockkeeper::kube
