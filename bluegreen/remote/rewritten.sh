# Prints the text that the include would have, as the switch writes it; changes nothing.
# Takes: method variable target target_1 target_2
# Uses: include
# Prints the fact `rewritten`.

fact rewritten "$(include_for "$method" "$variable" "$target" "$target_1" "$target_2")"
