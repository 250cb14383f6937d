# To be sourced. APT with sources of its own, in a folder, with nothing changed on the machine.

# private_apt FOLDER [SETTING...]: makes the folder, for FOLDER/lists_of_sources to be filled, and FOLDER/apt.conf.
private_apt() {
  local folder=$1
  rm -rf "$folder"
  mkdir -p "$folder"/{lists/partial,archives/partial,lists_of_sources}
  cat >"$folder/apt.conf" <<CONF
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "$folder/lists_of_sources";
Dir::State::Lists "$folder/lists";
Dir::Cache "$folder";
APT::Sandbox::User "$(id -un)";
CONF
  shift
  [ $# -eq 0 ] || printf '%s\n' "$@" >>"$folder/apt.conf"
}
