#!/bin/sh
# A real Slurm on this machine, one node: are results the same as without it, and does a killed job
# come back? Needs root and Debian's packages slurm-wlm and munge.
#   sh scripts/setup/slurm_test.sh
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
PATH="$here/.venv/bin:$PATH"
export PATH

for program in munged slurmctld slurmd sbatch; do
    if ! command -v "$program" >/dev/null; then
        echo "$program is missing: apt-get install --no-install-recommends slurm-wlm munge" >&2
        exit 1
    fi
done
if [ "$(id -u)" -ne 0 ]; then
    echo "a cluster of one's own needs root" >&2
    exit 1
fi

work=$(mktemp -d)
started=""
finish() {
    # Only what this script started, by its number.
    for number in $started; do kill "$number" 2>/dev/null || true; done
    rm -rf "$work"
}
trap finish EXIT INT TERM

node=$(hostname -s)
memory=$(awk '/MemTotal/ { printf "%d", $2 / 1024 * 0.8 }' /proc/meminfo)
mkdir -p /etc/slurm "$work/state" "$work/spool" /run/munge
cat > /etc/slurm/slurm.conf <<CONF
ClusterName=here
SlurmctldHost=$node(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
CryptoType=crypto/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MinJobAge=86400
ReturnToService=2
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
NodeName=$node NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$memory State=UNKNOWN
PartitionName=main Nodes=$node Default=YES MaxTime=INFINITE State=UP
CONF
chown -R munge: /run/munge
[ -f /etc/munge/munge.key ] || mungekey --create
chown munge: /etc/munge/munge.key
if ! munge -n 2>/dev/null | unmunge >/dev/null 2>&1; then
    setpriv --reuid=munge --regid=munge --clear-groups munged --foreground >"$work/munged.log" 2>&1 &
    started="$started $!"
    sleep 1
fi
slurmctld -D -c >"$work/ctld.out" 2>&1 &
started="$started $!"
sleep 1
slurmd -D >"$work/d.out" 2>&1 &
started="$started $!"
waited=0
until [ "$(sinfo -h -o %T 2>/dev/null)" = idle ]; do
    sleep 1
    waited=$((waited + 1))
    if [ "$waited" -gt 30 ]; then
        echo "the node does not become idle" >&2
        tail -5 "$work"/*.log "$work"/*.out >&2
        exit 1
    fi
done
echo "Slurm $(sinfo --version | cut -d' ' -f2): one node of $(nproc) cores, idle after $waited s"

cat > "$work/profile.yaml" <<PROFILE
$(sed -e 's/^latency-wait:.*/latency-wait: 5/' \
      -e 's/^slurm-init-seconds.*/slurm-init-seconds-before-status-checks: 1/' \
      -e '/mem_mb=/s/2000/1500/' "$here/profiles/slurm/profile.yaml")
seconds-between-status-checks: 1
PROFILE
mkdir "$work/cluster" && mv "$work/profile.yaml" "$work/cluster/profile.yaml"

seconds() { date +%s; }

echo "--- 2,000 simulated trials in 8 jobs"
design="$work/design.yaml"
sed -e '/^target_power/d' "$here/data/example/planned_trial.yaml" > "$design"
mkdir "$work/power" && cd "$work/power"
begin=$(seconds)
snakemake --snakefile "$here/workflow/power.smk" --profile "$work/cluster" \
    --config design="$design" parts=8 trials=2000 >run.log 2>&1 || { tail -30 run.log; exit 1; }
echo "on Slurm: $(($(seconds) - begin)) s"
ipt power "$design" --trials 2000 --processes 1 --out local >/dev/null
cmp results/power/trials.csv local/trials.csv
echo "the same 4,000 lines as in one process (trials with and without the effect)"
arrays=$(squeue -h -a -t all -o "%F %K" | awk '$2 != "N/A" { n[$1]++ } END { for (a in n) print n[a] }')
echo "jobs per array:" $arrays

echo "--- the example trial"
study="$work/study"
mkdir -p "$study/data" && cp "$here/config.yaml" "$study/" && cp -r "$here/data/example" "$study/data/"
cp -r "$study" "$work/local"
cd "$study"
begin=$(seconds)
snakemake --snakefile "$here/Snakefile" --profile "$work/cluster" >"$work/first.log" 2>&1 &
run=$!
# One job is killed on its node while it runs; the run ends, and is taken up again.
victim=""
while [ -z "$victim" ] && kill -0 "$run" 2>/dev/null; do
    sleep 0.5
    victim=$(squeue -h -t RUNNING -o %A | head -1)
done
if [ -n "$victim" ]; then scancel --signal=KILL --full "$victim" || true; fi
if wait "$run"; then echo "the run survived the killing of job $victim"; else
    echo "job $victim was killed and the run stopped, as it should"
fi
snakemake --snakefile "$here/Snakefile" --profile "$work/cluster" --unlock >/dev/null 2>&1 || true
snakemake --snakefile "$here/Snakefile" --profile "$work/cluster" >"$work/second.log" 2>&1 ||
    { tail -30 "$work/second.log"; exit 1; }
echo "on Slurm, with the resumption: $(($(seconds) - begin)) s"
cd "$work/local"
snakemake --snakefile "$here/Snakefile" --profile "$here/profiles/default" >local.log 2>&1 ||
    { tail -30 local.log; exit 1; }
(cd "$study/results/shared" && find . -type f ! -name '.*' | sort | xargs sha256sum) > "$work/a"
(cd "$work/local/results/shared" && find . -type f ! -name '.*' | sort | xargs sha256sum) > "$work/b"
cmp "$work/a" "$work/b"
echo "the same bytes as without Slurm: $(wc -l < "$work/a") files"
