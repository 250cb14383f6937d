#include "train/model.h"

#include <fmt/format.h>

#include "io/path_error.h"
#include "nets/fold.h"
#include "nets/weights.h"
#include "train/checkpoint.h"
#include "train/json.h"

namespace scatlight::train {
namespace {

constexpr const char* classes_key = "classes";
constexpr const char* recipe_key = "recipe";

Json read_json(const std::filesystem::path& path, const nets::Metadata& metadata, const char* key) {
  const auto found = metadata.find(key);
  if (found == metadata.end())
    io::fail_at(path,
                fmt::format("its metadata has no '{}': it is not a model that scatlight train wrote", key));
  return Json::parse(found->second);
}

data::RecipeOptions to_recipe(const Json& json) {
  data::RecipeOptions recipe;
  recipe.size = json.at("size").get<int>();
  recipe.resize = json.at("resize").get<int>();
  recipe.mean = json.at("mean").get<std::array<float, 3>>();
  recipe.deviation = json.at("deviation").get<std::array<float, 3>>();
  return data::Recipe(recipe).options();  // checks the numbers
}

void check(const std::filesystem::path& path, const Model& model) {
  const auto& options = model.network.options();
  if (model.classes.size() != static_cast<std::size_t>(options.classes))
    io::fail_at(path, fmt::format("its metadata names {} classes, its network has {}", model.classes.size(),
                                  options.classes));
  if (model.recipe.size != options.height || model.recipe.size != options.width)
    io::fail_at(path, fmt::format("its metadata asks for images of {0} x {0}, its network for {1} x {2}",
                                  model.recipe.size, options.height, options.width));
}

}  // namespace

void save_model(const std::filesystem::path& path, const nets::Network& network,
                const std::vector<std::string>& classes, const data::RecipeOptions& recipe) {
  const Json recipe_json = {{"size", recipe.size},
                            {"resize", recipe.resize},
                            {"mean", recipe.mean},
                            {"deviation", recipe.deviation}};
  nets::save_weights(network, path, {{classes_key, Json(classes).dump()}, {recipe_key, recipe_json.dump()}});
}

Model load_model(const std::filesystem::path& path, const torch_ops::Placement& placement) {
  refuse_checkpoint(path);
  const auto header = nets::read_weights_header(path);
  try {
    Model model{.file = path,
                .network = nets::Network(header.options),
                .classes = read_json(path, header.metadata, classes_key).get<std::vector<std::string>>(),
                .recipe = to_recipe(read_json(path, header.metadata, recipe_key))};
    check(path, model);
    nets::load_weights(model.network, path);
    model.network.to(placement);
    nets::fold_for_inference(model.network);
    return model;
  } catch (const Json::exception&) {
    io::fail_at(path, "its metadata is damaged");
  }
}

}  // namespace scatlight::train
