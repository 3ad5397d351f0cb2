# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Bash completion for cairn. It asks the program, so it is always of the same age.

_cairn() {
	local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} words
	local program=${COMP_WORDS[0]}
	program=${program/#\~/$HOME}

	COMPREPLY=()
	if ((COMP_CWORD == 1)) || [[ $command == help && $COMP_CWORD -eq 2 ]]; then
		words=$("$program" help 2>/dev/null |
			sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
	elif [[ $word == -* ]]; then
		words=$("$program" help "$command" 2>/dev/null |
			sed -n 's/^  \(-., \|    \)\(--[a-z-]*\).*/\2/p')
	elif ((COMP_CWORD == 2)); then
		# Of cache and key: the verbs stand in the use line, info|ls|...
		words=$("$program" help "$command" 2>/dev/null |
			sed -n 's/^usage: cairn [a-z]* \([a-z|]*|[a-z|]*\).*/\1/p' | tr '|' ' ')
	fi
	if [[ -n $words ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
	else
		compopt -o default 2>/dev/null
	fi
}
complete -F _cairn cairn
