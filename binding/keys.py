"""The keys of the `config` of each type of deployment, as StreamFlow 0.2.0rc3 and rc2 know them.

Which of them a connector of ours heeds, its class says in `SUPPORTED`; a key that it does not heed
is named when the file is read.
"""

from __future__ import annotations

from collections.abc import Mapping

from .shape import Anything, Flag, Key, ListOf, MapOf, Null, Number, Object, OneOf, Others, Shape, Text, Whole, keys_of

BUFFER = {"transferBufferSize": Key(Whole(1), "Bytes read at a time.", default=65536)}
INNER = "make a deployment of type ssh and name it in `wraps`"


def _connection() -> Shape:
    """Return the shape of a host to connect to; a tunnel may have one of its own, five deep."""
    tunnel: Shape = Null()
    for _ in range(5):
        keys = {
            "hostname": Key(Text(), "Name or address, with `:port` when it is not 22.", required=True),
            **keys_of(text="username sshKey sshKeyPassphraseFile passwordFile", flag="checkHostKey"),
            "tunnel": Key(OneOf((Null(), tunnel) if not isinstance(tunnel, Null) else (tunnel,), "a connection")),
        }
        tunnel = Object(keys)
    return tunnel


CONNECTION = _connection()
HOST = OneOf((Text(), CONNECTION), "the name of a host or a connection")
SSH_KEYS = {
    **keys_of(text="username sshKey sshKeyPassphraseFile passwordFile", flag="checkHostKey"),
    "tunnel": Key(OneOf((Null(), CONNECTION), "a connection"), "Host through which the nodes are reached."),
    "dataTransferConnection": Key(HOST, "Another host for large copies."),
    "maxConcurrentSessions": Key(Whole(1), "Sessions of one connection.", default=10),
    "maxConnections": Key(Whole(1), "Connections to each node.", default=1),
}
SSH = Object(
    {
        "nodes": Key(ListOf(HOST), "Hosts, each `host[:port]` or a connection.", required=True),
        **SSH_KEYS,
        "connectTimeout": Key(Whole(1), "Seconds.", default=30),
        "retries": Key(Whole(0), "How often a connection is tried again.", default=3),
        "retryDelay": Key(Whole(0), "Seconds between these.", default=5),
        "services": Key(MapOf(Text()), "By name: path of a template around the command."),
        "sharedPaths": Key(ListOf(Text()), "Directories that all nodes see."),
        **BUFFER,
        "file": Key(Text(), old="use `services`"),
        "sshConfig": Key(
            OneOf((Text(), ListOf(Text())), "a path or a list of paths"), "Ours: configuration of OpenSSH to go by."
        ),
        "patience": Key(Number(), "Ours: seconds for which a host may be out of reach."),
    }
)
_SLURM_TEXTS = """account acctgFreq array batch bb bbf begin clusterConstraint clusters constraint container
    containerId cpuFreq deadline distribution exclude export extraNodeInfo file gpuBind gpuFreq gpus gpusPerNode
    gpusPerSocket gpusPerTask gres gresFlags hint jobName licenses mailType mailUser mcsLabel mem memBind memPerCpu
    memPerGpu network nodefile nodelist nodes openMode partition power prefer priority profile propagate qos
    reservation signal switches time timeMin tresPerTask wckey"""
_SLURM_FLAGS = """contiguous ignorePBS noKill noRequeue overcommit oversubscribe reboot requeue spreadJob useMinNodes
    waitAllNodes"""
_SLURM_WHOLES = """coreSpec coresPerSocket cpusPerGpu cpusPerTask delayBoot mincpus nice ntasks ntasksPerCore
    ntasksPerGpu ntasksPerNode ntasksPerSocket socketsPerNode threadSpec threadsPerCore tmp"""
_FLAG_OR_TEXT = OneOf((Flag(), Text()), "true, false or a text")
_WHOLE_OR_TEXT = OneOf((Whole(), Text()), "a whole number or a text")
SLURM_SERVICE = Object(
    keys_of(
        text=_SLURM_TEXTS,
        flag=_SLURM_FLAGS,
        whole=_SLURM_WHOLES,
        more={
            **dict.fromkeys(("exclusive", "getUserEnv"), Key(_FLAG_OR_TEXT)),
            **dict.fromkeys(("exportFile", "gid", "uid"), Key(_WHOLE_OR_TEXT)),
            "group": Key(Whole(1), "Ours: jobs that share one job of the queue, at most.", default=1),
            "flags": Key(ListOf(Text()), "Ours: further options of sbatch."),
            "dependency": Key(Text()),
        },
    )
)
PBS_SERVICE = Object(
    keys_of(
        text="account begin checkpoint destination file jobName mailOptions prefix priority shellList userList "
        "variableList",
        flag="exportAllVariables rerunnable",
        mapping="resources additionalAttributes",
    )
)
FLUX_SERVICE = Object(
    keys_of(
        text="beginTime file flags gpusPerNode gpusPerTask jobName nodes queue requires taskmap timeLimit",
        texts="brokerOpts env envFile envRemove rlimit",
        whole="cores coresPerSlot coresPerTask gpusPerSlot nslots ntasks tasksPerCore tasksPerNode urgency",
        flag="exclusive labelIO unbuffered",
        mapping="setattr setopt",
    )
)


_SLURM_OURS = {
    "group": Key(Whole(1), "Ours: jobs that share one job of the queue, at most.", default=1),
    "patience": Key(Number(), "Ours: seconds without an answer until jobs are given up.", default=600),
    "via": Key(Text(among=("commands", "rest", "pyslurm")), "Ours: how Slurm is talked to.", default="commands"),
    "rest": Key(
        Object(
            {
                "url": Key(Text(), "Address of slurmrestd.", required=True),
                "user": Key(Text(), "Whose token is used.", required=True),
                "version": Key(Text(), "Of its OpenAPI plugin.", default="v0.0.38"),
            }
        ),
        "Ours: with `via: rest`.",
    ),
}


def _queue(service: Shape, ours: Mapping[str, Key] | None = None) -> Object:
    old_ssh = {name: Key(key.shape, old=INNER) for name, key in SSH_KEYS.items()}
    return Object(
        {
            "services": Key(MapOf(service), "By name: options of submission."),
            "maxConcurrentJobs": Key(Whole(1), "Jobs in the queue at a time.", default=1),
            "pollingInterval": Key(Number(), "Seconds between looks at the queue.", default=5),
            "hostname": Key(Text(), old=INNER),
            **old_ssh,
            "transferBufferSize": Key(Whole(1), old=INNER),
            "file": Key(Text(), old="use `services`"),
            **(ours or {}),
        }
    )


_DOCKER_TEXTS = """containerId cgroupParent cgroupns cidfile cpusetCpus cpusetMems detachKeys domainname
    entrypoint gpus healthCmd healthInterval healthStartPeriod healthTimeout hostname ip ip6 ipc isolation logDriver
    macAddress pid restart runtime stopSignal user userns uts volumeDriver workdir"""
_DOCKER_WHOLES = """blkioWeight cpuPeriod cpuQuota cpuRTPeriod cpuRTRuntime cpuShares healthRetries kernelMemory memory
    memoryReservation memorySwap memorySwappiness oomScoreAdj pidsLimit shmSize stopTimeout"""
_DOCKER_FLAGS = "init noHealthcheck oomKillDisable privileged publishAll readOnly rm sigProxy"
_DOCKER_LISTS = """addHost capAdd capDrop command device deviceCgroupRule deviceReadBps deviceReadIops deviceWriteBps
    deviceWriteIops dns dnsOption dnsOptions dnsSearch env envFile groupAdd label labelFile link linkLocalIP logOpt
    logOpts mount network networkAlias publish securityOpt securityOpts storageOpt storageOpts sysctl tmpfs ulimit
    volume volumesFrom"""
DOCKER_KEYS = keys_of(
    text=_DOCKER_TEXTS,
    whole=_DOCKER_WHOLES,
    flag=_DOCKER_FLAGS,
    texts=_DOCKER_LISTS,
    wholes="blkioWeightDevice expose",
    number="cpus",
    more=BUFFER,
)
_SINGULARITY_TEXTS = """instanceName addCaps applyCgroups cpus cpusetCpus cpusetMems dns dockerHost dropCaps envFile
    home hostname memory memoryReservation memorySwap network pemPath pidFile workdir"""
_SINGULARITY_FLAGS = """allowSetuid boot cleanenv compat contain containall disableCache fakeroot ipc keepPrivs net
    noEval noHome noHttps noInit noPrivs noUmask nv nvccli oomKillDisable rocm userns uts writable writableTmpfs"""
SINGULARITY_KEYS = keys_of(
    text=_SINGULARITY_TEXTS,
    flag=_SINGULARITY_FLAGS,
    texts="bind blkioWeightDevice command env fusemount mount networkArgs noMount overlay scratch security",
    whole="blkioWeight cpuShares pidsLimit",
    more=BUFFER,
)
_IMAGE = {"image": Key(Text(), "Container image.", required=True)}
COMPOSE = Object(
    {
        "files": Key(ListOf(Text()), "Compose files.", required=True),
        **keys_of(
            text="projectName logLevel host projectDirectory tlscacert tlscert tlskey",
            flag="verbose noAnsi skipHostnameCheck compatibility noDeps forceRecreate alwaysRecreateDeps noRecreate "
            "noBuild noStart build renewAnonVolumes removeOrphans removeVolumes tls tlsverify wait",
            whole="timeout",
            more=BUFFER,
        ),
    }
)
_CACHES = {"resourcesCacheSize": "use `locationsCacheSize`", "resourcesCacheTTL": "use `locationsCacheTTL`"}
_KUBERNETES = keys_of(
    text="kubeconfig kubeContext namespace",
    flag="debug inCluster wait",
    whole="maxConcurrentConnections locationsCacheSize locationsCacheTTL timeout transferBufferSize "
    "resourcesCacheSize resourcesCacheTTL",
    old=_CACHES,
)
KUBERNETES = Object({"files": Key(ListOf(Text()), "Manifests, in order.", required=True), **_KUBERNETES})
_HELM = keys_of(
    text="chartVersion releaseName namespace repo username password caFile certFile keyFile keyring cascade "
    "description commandLineValues fileValues stringValues labels nameTemplate output kubeconfig kubeContext "
    "kubeApiserver kubeAsUser kubeCaFile kubeTLSServerName kubeToken registryConfig repositoryCache repositoryConfig "
    "postRenderer contentCache",
    texts="yamlValues setJson setLiteral postRendererArgs kubeAsGroup",
    flag="createNamespace debug dependencyUpdate devel disableOpenapiValidation enableDns generateFlag hideNotes "
    "inCluster insecureSkipTLSVerify keepHistory kubeInsecureSkipTLSVerify noHooks passCredentials plainHttp "
    "renderSubchartNotes replace rollbackOnFailure skipCrds skipSchemaValidation takeOwnership verify waitForJobs "
    "forceConflicts forceReplace serverSide force atomic depUp",
    whole="burstLimit maxConcurrentConnections locationsCacheSize locationsCacheTTL transferBufferSize "
    "resourcesCacheSize resourcesCacheTTL",
    number="queriesPerSecond",
    more={
        "timeout": Key(_WHOLE_OR_TEXT),
        "wait": Key(OneOf((Flag(), Text(among=("hookOnly", "legacy", "watcher"))), "true, false or a way to wait")),
    },
    old=_CACHES,
)
HELM = Object({"chart": Key(Text(), "Chart.", required=True), **_HELM})
OCCAM = Object(
    {
        **{name: Key(Text(), required=True) for name in ("file", "sshKey", "username")},
        **keys_of(text="hostname sshKeyPassphraseFile", more=BUFFER),
    }
)
CONFIGS: Mapping[str, Object] = {
    "local": Object(dict(BUFFER)),
    "ssh": SSH,
    "slurm": _queue(SLURM_SERVICE, _SLURM_OURS),
    "pbs": _queue(PBS_SERVICE),
    "flux": _queue(FLUX_SERVICE),
    "docker": Object({**_IMAGE, **DOCKER_KEYS}),
    "podman": Object({**_IMAGE, **DOCKER_KEYS}),
    "docker-compose": COMPOSE,
    "singularity": Object({**_IMAGE, **SINGULARITY_KEYS}),
    "apptainer": Object({**_IMAGE, **SINGULARITY_KEYS}),
    "kubernetes": KUBERNETES,
    "helm": HELM,
    "helm3": HELM,
    "helm4": HELM,
    "occam": OCCAM,
}
"""By type of deployment."""
QUEUES = frozenset({"slurm", "pbs", "flux"})
CONTAINERS = frozenset({"docker", "podman", "docker-compose", "singularity", "apptainer"})
WRAPPING = QUEUES | CONTAINERS
"""Types of deployments that may be stacked on another one."""
TRANSLATORS: Mapping[str, Object] = {
    "none": Object({}),
    "default": Object(DOCKER_KEYS),
    "docker": Object(DOCKER_KEYS),
    "podman": Object(DOCKER_KEYS),
    "singularity": Object(SINGULARITY_KEYS),
    "apptainer": Object(SINGULARITY_KEYS),
    "kubernetes": Object({"file": Key(Text()), "template": Key(Text()), **_KUBERNETES}),
}
"""By type in `config.docker`: how a DockerRequirement is served."""
PATHS = ("file", "sshConfig", "passwordFile", "sshKeyPassphraseFile", "checkpoint_dir", "connection")
"""Keys whose values are paths, relative to the binding file wherever they stand."""
SECRETS = frozenset({"password", "kubeToken"})
"""Keys whose values are secret: they reach neither the store nor a log."""
OTHERS = Object({}, others=Others.NAMED)
PLUGIN = MapOf(Anything())
"""The configuration of a type that a plugin brings along: it says itself what it takes."""
