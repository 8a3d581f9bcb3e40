# Reads what `check` needs besides the look, as the user who deploys; changes nothing.
# Takes: slots paths root_installed pids workdir base
# Uses: lib ours as_root java workdir
# Prints facts. $paths are root's files, one a line. What only root may see is read through sudo, and omitted where sudo
# does not allow it.

# config_files FOLDER: prints the configuration files that Spring reads in a working directory, one a line.
config_files() {
    for config_file in "$1"/application* "$1"/config/application* "$1"/config/*/application*; do
        case $config_file in *.yml | *.yaml | *.properties) [ ! -f "$config_file" ] || say "$config_file" ;; esac
    done
}
sudo_all=
if may_sudo_all; then sudo_all=yes; fi
fact sudo_all "$sudo_all"
for verb in switch preview; do
    may=
    if [ -x "$root_installed" ] && { [ -n "$sudo_all" ] || sudo -n -l "$root_installed" "$verb" "${slots%%:*}" >/dev/null 2>&1; }; then
        may=yes
    fi
    fact "sudo.$verb" "$may"
done
number=0
printf '%s\n' "$paths" | while IFS= read -r path; do
    number=$((number + 1))
    fact_file "$number" "$path"
    [ "$(id -u)" = 0 ] || fact "file.$number.users" "$(users_of "$path")"
done
find_java
fact java.path "$java_path"
fact java.searched "$java_searched"
fact java.version "$(java_version "$java_path")"
if [ -z "$java_path" ]; then
    elsewhere=$(java_elsewhere)
    fact java.elsewhere "$elsewhere"
    fact java.elsewhere_version "$(java_version "$elsewhere")"
fi
# What the JVMs that run now were given: $pids are SLOT:PID each.
for entry in $pids; do
    slot=${entry%%:*}
    pid=${entry#*:}
    folder=$(readlink "/proc/$pid/cwd" 2>/dev/null) || folder=
    fact "jvm.$slot.folder" "$folder"
    fact "jvm.$slot.config" "$(config_files "$folder")"
    for file in "$folder"/* "$folder"/.[!.]*; do
        [ ! -e "$file" ] || { fact "jvm.$slot.files" yes && break; }
    done
    fact "jvm.$slot.words" "$(tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | head -c 16384 || :)"
    # The names alone, as a value may be a secret; but those of the profiles.
    fact "jvm.$slot.environment" "$(tr '\0' '\n' 2>/dev/null <"/proc/$pid/environ" |
        sed -n -e '/^SPRING_PROFILES_[AI]/{p;d;}' -e 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p' | head -c 16384 || :)"
done
fact base.is "$(readlink -f "$base")"
if [ -d "$workdir" ]; then
    fact workdir.is "$(readlink -f "$workdir")"
    fact workdir.config "$(config_files "$workdir")"
elif [ -L "$workdir" ]; then
    fact workdir.lost "$(readlink "$workdir")"
fi
existing=$workdir
until [ -d "$existing" ]; do existing=$(dirname "$existing"); done
[ ! -w "$existing" ] || fact workdir.writable yes
[ ! -d "$base" ] || same_file_system "$existing" "$base" || fact workdir.apart yes
for folder in "$base"/releases/*/; do
    folder=${folder%/}
    [ -f "$folder/release.json" ] || continue
    strays "$folder"
    [ -z "$strays" ] || fact "workdir.strays.${folder##*/}" "$strays"
done
fact memory_total_kb "$(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo)"
fact swap_free_kb "$(awk '$1 == "SwapFree:" { print $2 }' /proc/meminfo)"
fact now "$(epoch_s)"
as_root examine "${slots%%:*}" 2>/dev/null || :
fact unit.others "$(unit_of_others)"
if command -v systemctl >/dev/null 2>&1; then
    fact systemd yes
    fact nginx.enabled "$(systemctl is-enabled nginx 2>/dev/null || :)"
fi
