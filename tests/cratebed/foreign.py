"""Small crates in the forms of other engines: each made by hand, after what that engine and version writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cratebed.building import RUN_TERMS, V11, Raw, folder, head, ref

CWL = "cwlVersion: v1.2\nclass: Workflow\n"
PROFILES = {name: f"https://w3id.org/ro/wfrun/{name}" for name in ("process", "workflow", "provenance")}


def entity(identity: str, kind: str | list[str], **properties: Any) -> Raw:
    """Return an entity."""
    return {"@id": identity, "@type": kind, **properties}


def profiles(version: str, *names: str) -> list[Raw]:
    """Return references to the profiles of one version."""
    return [ref(f"{PROFILES[name]}/{version}") for name in names]


def workflow(path: str, language: str, **properties: Any) -> list[Raw]:
    """Return a main workflow with its language."""
    kinds = ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"]
    return [
        entity(path, kinds, name=path, programmingLanguage=ref("#language"), **properties),
        entity("#language", "ComputerLanguage", name=language, version="1.2"),
    ]


def parameter(identity: str, name: str, kind: str, **more: Any) -> Raw:
    """Return a FormalParameter."""
    return entity(identity, "FormalParameter", name=name, additionalType=kind, **more)


def runcrate(path: Path, *, profile: str = "0.5") -> Path:
    """runcrate 0.5 of a run of cwltool: two jobs of a scattered step, one of which was tried twice, and a last one."""
    graph = [
        *head(
            ["packed.cwl", "a1", "b1", "c1"],
            mainEntity=ref("packed.cwl"),
            conformsTo=profiles(profile, "process", "workflow", "provenance"),
        ),
        *workflow(
            "packed.cwl",
            "Common Workflow Language",
            input=[ref("packed.cwl#main/words"), ref("packed.cwl#main/n")],
            output=[ref("packed.cwl#main/total")],
            hasPart=[ref("packed.cwl#say.cwl"), ref("packed.cwl#join.cwl")],
            step=[ref("packed.cwl#main/join"), ref("packed.cwl#main/say")],
            connection=[],
        ),
        parameter("packed.cwl#main/words", "words", "Text", multipleValues="True"),
        parameter("packed.cwl#main/n", "n", "Integer"),
        parameter("packed.cwl#main/total", "total", "File"),
        parameter("packed.cwl#say.cwl/text", "text", "Text"),
        parameter("packed.cwl#say.cwl/out", "out", "File"),
        parameter("packed.cwl#join.cwl/parts", "parts", "File", multipleValues="True"),
        parameter("packed.cwl#join.cwl/n", "n", "Integer"),
        parameter("packed.cwl#join.cwl/out", "out", "File"),
        entity(
            "packed.cwl#say.cwl", "SoftwareApplication", name="say.cwl", input=ref("packed.cwl#say.cwl/text"),
            output=ref("packed.cwl#say.cwl/out"), softwareRequirements=ref("#coreutils"),
        ),
        entity("#coreutils", "SoftwareApplication", name="coreutils", version="9.1"),
        entity(
            "packed.cwl#join.cwl", "SoftwareApplication", name="join.cwl",
            input=[ref("packed.cwl#join.cwl/parts"), ref("packed.cwl#join.cwl/n")],
            output=ref("packed.cwl#join.cwl/out"),
        ),
        entity("packed.cwl#main/say", "HowToStep", position="0", workExample=ref("packed.cwl#say.cwl")),
        entity("packed.cwl#main/join", "HowToStep", position="1", workExample=ref("packed.cwl#join.cwl")),
        entity("#c1", "ParameterConnection", sourceParameter=ref("packed.cwl#main/words"),
               targetParameter=ref("packed.cwl#say.cwl/text")),
        entity("#c2", "ParameterConnection", sourceParameter=ref("packed.cwl#main/n"),
               targetParameter=ref("packed.cwl#join.cwl/n")),
        entity("#engine", "SoftwareApplication", name="cwltool 3.1", version="3.1"),
        entity("#organize", "OrganizeAction", instrument=ref("#engine"), object=[ref("#says"), ref("#joins")],
               result=ref("#run"), startTime="2026-01-02T10:00:00.000+00:00"),
        entity(
            "#run", "CreateAction", name="Run of packed.cwl", instrument=ref("packed.cwl"),
            startTime="2026-01-02T10:00:00.000+00:00", endTime="2026-01-02T10:00:09.500+00:00",
            object=[ref("#words"), ref("#n")], result=[ref("c1")], agent=ref("https://orcid.org/0000-0001-2345-6789"),
        ),
        entity("https://orcid.org/0000-0001-2345-6789", "Person", name="Ada", affiliation=ref("#org")),
        entity("#org", "Organization", name="Analytical Engines"),
        entity("#words", "PropertyValue", name="words", value=["a", "b"], exampleOfWork=ref("packed.cwl#main/words")),
        entity("#n", "PropertyValue", name="n", value="3", exampleOfWork=ref("packed.cwl#main/n")),
        entity("#says", "ControlAction", instrument=ref("packed.cwl#main/say"),
               object=[ref("#say1"), ref("#say2-failed"), ref("#say2")]),
        entity("#joins", "ControlAction", instrument=ref("packed.cwl#main/join"), object=ref("#join")),
        entity(
            "#say1", "CreateAction", instrument=ref("packed.cwl#say.cwl"), object=[ref("#a")], result=[ref("a1")],
            startTime="2026-01-02T10:00:01.000+00:00", endTime="2026-01-02T10:00:02.000+00:00",
            containerImage=ref("#image"), environment=[ref("#env")], resourceUsage=[ref("#rss")],
        ),
        entity(
            "#say2-failed", "CreateAction", instrument=ref("packed.cwl#say.cwl"), object=[ref("#b")],
            startTime="2026-01-02T10:00:01.500+00:00", endTime="2026-01-02T10:00:02.000+00:00",
            actionStatus="http://schema.org/FailedActionStatus", error="out of paper", exitCode=7,
        ),
        entity(
            "#say2", "CreateAction", instrument=ref("packed.cwl#say.cwl"), object=[ref("#b")], result=[ref("b1")],
            startTime="2026-01-02T10:00:03.000+00:00", endTime="2026-01-02T10:00:04.000+00:00",
            actionStatus="http://schema.org/CompletedActionStatus",
        ),
        entity("#image", "ContainerImage", name="library/debian", registry="docker.io", tag="12", sha256="ab" * 32,
               additionalType=ref("https://w3id.org/ro/terms/workflow-run#DockerImage")),
        entity("#env", "PropertyValue", name="LC_ALL", value="C"),
        entity("#rss", "PropertyValue", propertyID="https://example.org/usage#maxRSS", value="12", unitCode="4L"),
        entity("#a", "PropertyValue", name="text", value="a", exampleOfWork=ref("packed.cwl#say.cwl/text")),
        entity("#b", "PropertyValue", name="text", value="b", exampleOfWork=ref("packed.cwl#say.cwl/text")),
        entity("a1", "File", alternateName="said.txt", exampleOfWork=ref("packed.cwl#say.cwl/out")),
        entity("b1", "File", alternateName="said.txt", exampleOfWork=ref("packed.cwl#say.cwl/out")),
        entity(
            "#join", "CreateAction", instrument=ref("packed.cwl#join.cwl"), object=[ref("#parts"), ref("#joined-n")],
            result=ref("c1"), startTime="2026-01-02T10:00:05.000+00:00", endTime="2026-01-02T10:00:06.000+00:00",
        ),
        entity("#parts", "PropertyValue", name="parts", value=[ref("a1"), ref("b1")],
               exampleOfWork=ref("packed.cwl#join.cwl/parts")),
        entity("#joined-n", "PropertyValue", name="n", value="3", exampleOfWork=ref("packed.cwl#join.cwl/n")),
        entity("c1", "File", alternateName="all.txt",
               exampleOfWork=[ref("packed.cwl#join.cwl/out"), ref("packed.cwl#main/total")]),
    ]  # fmt: skip
    return folder(path, graph, {"packed.cwl": CWL, "a1": "a\n", "b1": "b\n", "c1": "a\nb\n"})


def runcrate_old(path: Path) -> Path:
    """runcrate 0.2: the same with version 0.1 of the profiles."""
    return runcrate(path, profile="0.1")


def wfexs(path: Path) -> Path:
    """WfExS 1.0 (Workflow Run Crate 0.5): a Nextflow workflow with a collection, a folder and remote inputs."""
    graph = [
        *head(["main.nf", "outputs/stats/", "ref.fa", "ref.fa.fai"], mainEntity=ref("main.nf"),
              conformsTo=profiles("0.5", "process", "workflow")),
        *workflow("main.nf", "Nextflow", input=[ref("#param-ref"), ref("#param-reads")], output=[ref("#param-stats")]),
        parameter("#param-ref", "ref", "Collection"),
        parameter("#param-reads", "reads", "File"),
        parameter("#param-stats", "stats", "Dataset"),
        entity("https://example.org/wfexs", "SoftwareApplication", name="WfExS-backend", softwareVersion="1.0.0"),
        entity("#run", "CreateAction", name="Run", instrument=ref("main.nf"), agent=ref("#me"),
               object=[ref("#ref"), ref("https://example.org/reads.fq.gz")], result=[ref("outputs/stats/")],
               startTime="2025-05-05T08:00:00+02:00", endTime="2025-05-05T09:00:00+02:00",
               actionStatus={"@id": "http://schema.org/CompletedActionStatus"},
               containerImage=[ref("#img1"), ref("#img2")]),
        entity("#me", "Person", name="Laura"),
        entity("#img1", "ContainerImage", name="biocontainers/samtools", registry="quay.io", tag="1.19",
               additionalType=ref("https://w3id.org/ro/terms/workflow-run#SIFImage")),
        entity("#img2", "ContainerImage", name="biocontainers/fastqc", registry="quay.io", tag="0.12"),
        entity("#ref", "Collection", mainEntity=ref("ref.fa"), hasPart=[ref("ref.fa"), ref("ref.fa.fai")],
               exampleOfWork=ref("#param-ref")),
        entity("ref.fa", "File"),
        entity("ref.fa.fai", "File"),
        entity("https://example.org/reads.fq.gz", "File", name="reads", contentSize="1000000",
               exampleOfWork=ref("#param-reads")),
        entity("outputs/stats/", "Dataset", exampleOfWork=ref("#param-stats")),
    ]  # fmt: skip
    files = {
        "main.nf": "process x {}\n",
        "ref.fa": ">a\n",
        "ref.fa.fai": "a 1\n",
        "outputs/stats/one.txt": "1",
        "outputs/stats/deep/two.txt": "2",
    }
    return folder(path, graph, files, context=[V11, RUN_TERMS, "https://w3id.org/ro/terms/wfexs"])


def sapporo(path: Path) -> Path:
    """sapporo-service 2.0 (Workflow Run Crate 0.5): a run of cwltool behind WES that failed."""
    graph = [
        *head(["exe/wf.cwl", "outputs/out.txt", "stderr.log"], mainEntity=ref("exe/wf.cwl"),
              conformsTo=profiles("0.5", "process", "workflow"), mentions=[ref("#run")]),
        *workflow("exe/wf.cwl", "Common Workflow Language", input=[], output=[]),
        entity("#cwltool", "SoftwareApplication", name="cwltool", version="3.1.20240909164951"),
        entity("#sapporo", "SoftwareApplication", name="sapporo-service", version="2.0.0"),
        entity("#run", "CreateAction", name="Sapporo WES run", instrument=ref("exe/wf.cwl"),
               executedBy=[ref("#cwltool"), ref("#sapporo")], description="Executed wf.cwl using cwltool",
               startTime="2026-03-01T00:00:00+00:00", endTime="2026-03-01T00:01:00+00:00",
               result=[ref("outputs/out.txt")], exitCode=1, wesState="EXECUTOR_ERROR",
               actionStatus="http://schema.org/FailedActionStatus", error="step failed",
               containerImage="quay.io/commonwl/cwltool:3.1", subjectOf=[ref("stderr.log")]),
        entity("outputs/out.txt", "File", contentSize=3, sha512="9" * 12),
        entity("stderr.log", "File"),
    ]  # fmt: skip
    files = {"exe/wf.cwl": CWL, "outputs/out.txt": "out", "stderr.log": "no"}
    return folder(path, graph, files, context=[V11, RUN_TERMS, "https://w3id.org/ro/terms/sapporo"])


def galaxy(path: Path) -> Path:
    """Galaxy 24.0 (Workflow Run Crate 0.1): an invocation with a collection and a parameter; ids are hashes."""
    collection = "#3f3d0f84-7e8d-4f0c-8a1c-0d2b1a0c7a11"
    run = "#9a1c7e11-0000-4f0c-8a1c-0d2b1a0c7a11"
    graph = [
        *head(["workflows/abc.gxwf.yml", "datasets/in_1.txt", "datasets/in_2.txt", "datasets/out_3.txt"],
              mainEntity=ref("workflows/abc.gxwf.yml"), conformsTo=profiles("0.1", "process", "workflow")),
        *workflow("workflows/abc.gxwf.yml", "Galaxy", input=[ref("#in-param"), ref("#k-param")],
                  output=[ref("#out-param")]),
        parameter("#in-param", "reads", "Collection"),
        parameter("#k-param", "k", "Integer"),
        parameter("#out-param", "report", "File"),
        entity(run, "CreateAction", name="abc", instrument=ref("workflows/abc.gxwf.yml"),
               startTime="2024-02-02T02:02:02.123456", endTime="2024-02-02T02:03:02.123456",
               object=[ref(collection), ref("#k-pv")], result=[ref("datasets/out_3.txt")]),
        entity(collection, "Collection", additionalType="list", name="reads",
               hasPart=[ref("datasets/in_1.txt"), ref("datasets/in_2.txt")], exampleOfWork=ref("#in-param")),
        entity("#k-pv", "PropertyValue", name="k", value=21, exampleOfWork=ref("#k-param")),
        entity("datasets/in_1.txt", "File", name="first"),
        entity("datasets/in_2.txt", "File", name="second"),
        entity("datasets/out_3.txt", "File", exampleOfWork=ref("#out-param")),
    ]  # fmt: skip
    files = {
        "workflows/abc.gxwf.yml": "class: GalaxyWorkflow\n",
        "datasets/in_1.txt": "1",
        "datasets/in_2.txt": "2",
        "datasets/out_3.txt": "3",
    }
    return folder(path, graph, files)


def nextflow(path: Path) -> Path:
    """nf-prov 1.4 (Provenance Run Crate 0.1): two tasks; files of the second lie in the work directory."""
    graph = [
        *head(["main.nf", "out/counts.txt"], mainEntity=ref("main.nf"),
              conformsTo=profiles("0.1", "process", "workflow", "provenance")),
        *workflow("main.nf", "Nextflow", input=[ref("#params/word")], output=[], step=[ref("main.nf#step/SAY"),
                  ref("main.nf#step/COUNT")], hasPart=[ref("modules/say.nf"), ref("modules/count.nf")]),
        parameter("#params/word", "word", "Text"),
        entity("#params/word/value", "PropertyValue", name="word", value="hello", exampleOfWork=ref("#params/word")),
        entity("modules/say.nf", "SoftwareApplication", name="SAY"),
        entity("modules/count.nf", "SoftwareApplication", name="COUNT"),
        entity("main.nf#step/SAY", "HowToStep", position=1, workExample=ref("modules/say.nf")),
        entity("main.nf#step/COUNT", "HowToStep", position=2, workExample=ref("modules/count.nf")),
        entity("main.nf#software-application", "SoftwareApplication", name="Nextflow", softwareVersion="24.10.0"),
        entity("main.nf#organize", "OrganizeAction", instrument=ref("main.nf#software-application"),
               object=[ref("#control/SAY"), ref("#control/COUNT")], result=ref("#session")),
        entity("#session", "CreateAction", name="Nextflow workflow run", instrument=ref("main.nf"),
               startTime="2026-04-01T10:00:00Z", endTime="2026-04-01T10:00:10Z", agent=ref("#agent"),
               object=[ref("#params/word/value")], result=[ref("out/counts.txt")]),
        entity("#agent", "Person", name="Jane Doe"),
        entity("#control/SAY", "ControlAction", instrument=ref("main.nf#step/SAY"), object=[ref("#task/aa")]),
        entity("#control/COUNT", "ControlAction", instrument=ref("main.nf#step/COUNT"), object=[ref("#task/bb")]),
        entity("#task/aa", "CreateAction", name="SAY", instrument=ref("modules/say.nf"), agent=ref("#agent"),
               object=[], result=[ref("#task/aa/said.txt")],
               actionStatus="http://schema.org/CompletedActionStatus"),
        entity("#task/aa/said.txt", "CreativeWork", name="said.txt"),
        entity("#task/bb", "CreateAction", name="COUNT", instrument=ref("modules/count.nf"),
               object=[ref("#task/aa/said.txt")], result=[ref("out/counts.txt")],
               actionStatus="http://schema.org/CompletedActionStatus"),
        entity("out/counts.txt", "File", name="counts.txt", encodingFormat="text/plain"),
    ]  # fmt: skip
    return folder(path, graph, {"main.nf": "workflow {}\n", "out/counts.txt": "1\n"})


def compss(path: Path) -> Path:
    """COMPSs 3.3 (Workflow Run Crate 0.5): data stay on another machine; what was used is told task by task."""
    there = "file://cluster.example.org/gpfs/matmul"
    graph = [
        *head(["application_sources/matmul.py", f"{there}/inputs/", f"{there}/C.0.0"],
              mainEntity=ref("application_sources/matmul.py"), conformsTo=profiles("0.5", "process", "workflow"),
              mentions=ref("#COMPSs_Workflow_Run_Crate_cluster_SLURM_JOB_ID_42")),
        *workflow("application_sources/matmul.py", "COMPSs Programming Model"),
        entity("#COMPSs_Workflow_Run_Crate_cluster_SLURM_JOB_ID_42", "CreateAction",
               instrument=ref("application_sources/matmul.py"), name="COMPSs matmul.py execution at cluster",
               description="runcompss --provenance matmul.py", agent=ref("https://orcid.org/0000-0003-0606-2512"),
               startTime="2024-06-01T10:00:00+00:00", endTime="2024-06-01T10:00:30+00:00",
               actionStatus={"@id": "http://schema.org/CompletedActionStatus"}, object=[ref(f"{there}/inputs/")],
               result=[ref(f"{there}/C.0.0")], environment=[ref("#slurm_job_id")], location=ref("#cluster"),
               resourceUsage=[ref("#cluster.multiply.executionTime")]),
        entity("#cluster", "Place", name="cluster"),
        entity("#slurm_job_id", "PropertyValue", name="SLURM_JOB_ID", value="42"),
        entity("#cluster.multiply.executionTime", "PropertyValue",
               propertyID="https://w3id.org/ro/terms/compss#executionTime", value="2700", unitCode="C26"),
        entity("https://orcid.org/0000-0003-0606-2512", "Person", name="Raul", affiliation=ref("https://ror.org/x")),
        entity(f"{there}/inputs/", "Dataset", name="inputs", hasPart=[ref(f"{there}/inputs/A.0.0")]),
        entity(f"{there}/inputs/A.0.0", "File", name="A.0.0", contentSize=20),
        entity(f"{there}/C.0.0", "File", name="C.0.0", contentSize=24),
    ]  # fmt: skip
    return folder(path, graph, {"application_sources/matmul.py": "print(1)\n"}, context=[V11, RUN_TERMS])


def snakemake(path: Path) -> Path:
    """Snakemake 8 by way of a report plugin (Process Run Crate 0.5): rules as tools, no execution of the whole."""
    graph = [
        *head(["Snakefile", "in.txt", "out/a.txt", "out/b.txt"], mainEntity=ref("Snakefile"),
              conformsTo=profiles("0.5", "process")),
        *workflow("Snakefile", "Snakemake"),
        entity("#rule-copy", "SoftwareApplication", name="copy"),
        entity("#rule-upper", "SoftwareApplication", name="upper"),
        entity("#job-1", "CreateAction", instrument=ref("#rule-copy"), object=ref("in.txt"), result=ref("out/a.txt"),
               startTime="2026-02-02T00:00:01+00:00", endTime="2026-02-02T00:00:02+00:00"),
        entity("#job-2", "CreateAction", instrument=ref("#rule-upper"), object=ref("out/a.txt"),
               result=ref("out/b.txt"), startTime="2026-02-02T00:00:03+00:00", endTime="2026-02-02T00:00:05+00:00"),
        entity("in.txt", "File"),
        entity("out/a.txt", "File"),
        entity("out/b.txt", "File"),
    ]  # fmt: skip
    return folder(path, graph, {"Snakefile": "rule all:\n", "in.txt": "i", "out/a.txt": "i", "out/b.txt": "I"})


def autosubmit(path: Path) -> Path:
    """Autosubmit 4.1 (Workflow Run Crate 0.1): the configuration is the workflow; the status is a reference."""
    main = "conf/metadata/experiment_data.yml"
    graph = [
        *head([main], mainEntity=ref(main), conformsTo=profiles("0.1", "process", "workflow")),
        *workflow(main, "Autosubmit", input=[ref("#DEFAULT.EXPID-param")]),
        parameter("#DEFAULT.EXPID-param", "DEFAULT.EXPID", "Text", valueRequired="True"),
        entity("#DEFAULT.EXPID-pv", "PropertyValue", name="DEFAULT.EXPID", value="a000",
               exampleOfWork=ref("#DEFAULT.EXPID-param")),
        entity("#create-action", "CreateAction", instrument=ref(main), object=[ref("#DEFAULT.EXPID-pv")],
               actionStatus=ref("http://schema.org/PotentialActionStatus"), startTime="2023-11-01T10:00:00"),
    ]  # fmt: skip
    return folder(path, graph, {main: "DEFAULT:\n  EXPID: a000\n"})


def process_run(path: Path) -> Path:
    """Process Run Crate 0.5 as in the profile's text: one person ran one tool, in another file than it says."""
    graph = [
        *head(["pics/in%20put.jpg", "pics/sepia.jpg"], conformsTo=profiles("0.5", "process")),
        entity("https://www.imagemagick.org/", "SoftwareApplication", name="ImageMagick", version="6.9.7-4"),
        entity("#sepia", "CreateAction", name="Sepia", instrument=ref("https://www.imagemagick.org/"),
               description="convert -sepia-tone 80% in.jpg sepia.jpg", endTime="2018-09-19T17:01:07+10:00",
               object=ref("pics/in%20put.jpg"), result=ref("pics/sepia.jpg"), agent=ref("#who")),
        entity("#who", "Person", name="Stian"),
        entity("pics/in%20put.jpg", "File", alternateName="in put.jpg"),
        entity("pics/sepia.jpg", "File"),
    ]  # fmt: skip
    return folder(path, graph, {"pics/in put.jpg": "in", "pics/sepia.jpg": "out"})


def line_06(path: Path) -> Path:
    """Provenance Run Crate 0.6 on RO-Crate 1.3, terms given as IRIs of the new context here and there."""
    made = runcrate(path, profile="0.6")
    target = made / "ro-crate-metadata.json"
    text = target.read_text().replace(V11, "https://w3id.org/ro/crate/1.3/context").replace("crate/1.1", "crate/1.3")
    text = text.replace('"FormalParameter"', '"https://bioschemas.org/terms/FormalParameter"')
    target.write_text(text.replace('"object"', '"http://schema.org/object"'))
    return made


SAMPLES: Mapping[str, Any] = {
    made.__name__: made
    for made in (
        runcrate, runcrate_old, line_06, wfexs, sapporo, galaxy, nextflow, compss, snakemake, autosubmit, process_run,
    )
}  # fmt: skip
