# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# Completion of tpmix(1).
# shellcheck disable=SC2207 # words of our own, without spaces

_tpmix_keys="transport= state= wait= path= address= door= locality= replay= trace="
# Properties of mmio-replay; replay= takes the first, others follow behind commas.
_tpmix_replay_keys="rate= seed= nth= when= delay= reads= writes= min-offset= max-offset="

# Part of "indexed:key=value,key=..." behind the last comma.
_tpmix_config() {
    local word=$1 head="" last key keys=$_tpmix_keys
    [[ $word == indexed:* ]] && head=indexed: word=${word#indexed:}
    [[ $word == *,* ]] && head+=${word%,*},
    [[ $head == *replay=* ]] && keys+=" $_tpmix_replay_keys"
    last=${word##*,}
    # The value of replay= is a property itself.
    [[ $last == replay=* ]] && head+=replay= last=${last#replay=} keys=$_tpmix_replay_keys
    case $last in
    transport=*) COMPREPLY=($(compgen -P "$head" -W "transport=inproc transport=qtest transport=mem" -- "$last")) ;;
    door=*) COMPREPLY=($(compgen -P "$head" -W "door=indexed door=window door=fifo door=crb" -- "$last")) ;;
    when=*) COMPREPLY=($(compgen -P "$head" -W "when=now when=late when=completed" -- "$last")) ;;
    reads=* | writes=*)
        key=${last%%=*}
        COMPREPLY=($(compgen -P "$head" -W "$key=on $key=off" -- "$last"))
        ;;
    locality=*) COMPREPLY=($(compgen -P "$head" -W "locality="{0..4} -- "$last")) ;;
    path=* | state=* | trace=*)
        key=${last%%=*}=
        COMPREPLY=($(compgen -P "$head$key" -f -- "${last#*=}"))
        compopt -o filenames -o nospace
        ;;
    *)
        COMPREPLY=($(compgen -P "$head" -W "$keys" -- "$last"))
        compopt -o nospace
        ;;
    esac
}

_tpmix() {
    local words command options cur
    # "=" and "," are part of a word here, whatever COMP_WORDBREAKS says.
    read -ra words <<<"${COMP_LINE:0:COMP_POINT}"
    [[ ${COMP_LINE:0:COMP_POINT} == *" " ]] && words+=("")
    cur=${words[-1]}
    command=${words[1]:-}
    COMPREPLY=()
    if [ ${#words[@]} -le 2 ]; then
        COMPREPLY=($(compgen -W "info watch exec replay decode --help --version" -- "$cur"))
        return
    fi
    case $command in
    info) options="--all --request" ;;
    watch) options="--all --interval --seconds --count" ;;
    replay) options="--each --when --delay" ;;
    exec | decode) options="" ;;
    *) return ;;
    esac
    case $cur in
    --when=*) COMPREPLY=($(compgen -W "now late completed" -- "${cur#*=}")) ;;
    -*)
        [ "$command" = decode ] || options+=" --tcti"
        COMPREPLY=($(compgen -W "$options --json --help" -- "$cur"))
        ;;
    *)
        if [ "$command" = decode ]; then
            COMPREPLY=($(compgen -f -- "$cur"))
            compopt -o filenames
        else
            _tpmix_config "$cur"
        fi
        # bash replaces what is behind its own last break only.
        local i break=${cur%"${cur##*[=:]}"}
        if [[ $COMP_WORDBREAKS == *=* ]]; then
            for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]=${COMPREPLY[i]#"$break"}; done
        fi
        ;;
    esac
}

# By its name, and as "$(./run env)" names what was built.
# shellcheck disable=SC2016 # as it is typed
complete -F _tpmix tpmix '$TOOL'
