"""What an image file says of itself: that it is synthetic, and how it was made.

PNG text chunks for whoever opens the file, and an XMP packet with IPTC's digital source type for
software (IPTC Photo Metadata Standard 2025.1, IPTC Extension; vocabulary
http://cv.iptc.org/newscodes/digitalsourcetype/). No time and no path is recorded: the same command
gives the same bytes.
"""

from __future__ import annotations

from xml.sax.saxutils import escape

from synthmed import __version__
from synthmed.synthesis.plan import Job
from synthmed.synthesis.prompts import prompt_hash

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
NOTICE = (
    "Synthetic image made by a generative model. It shows no patient. Not for diagnosis, treatment "
    "or any decision about a person; not to be passed off as a real image."
)
SOFTWARE = f"synthmed {__version__}"


def text_chunks(
    job: Job, *, generator: str, generator_hash: str, embed_prompt: bool
) -> dict[str, str]:
    """Give the PNG text chunks of an image.

    Args:
        job: What the image was made of.
        generator: Name of the generator.
        generator_hash: SHA-256 of its weights.
        embed_prompt: Put the prompt's text into the file; without it the text goes in only where
            it was made from templates, since a typed prompt may speak of a patient.

    Returns:
        Chunks by keyword; the hash of the prompt is always among them, the domain if there is one.
    """
    chunks = {
        "Software": SOFTWARE,
        "Source": "synthetic",
        "Disclaimer": NOTICE,
        "DigitalSourceType": DIGITAL_SOURCE_TYPE,
        "prompt_sha256": prompt_hash(job.prompt.text),
        "seed": str(job.seed),
        "generator": generator,
        "generator_hash": generator_hash,
    }
    if job.prompt.domain:
        chunks["domain"] = job.prompt.domain
    if embed_prompt or job.prompt.from_template:
        chunks["prompt"] = job.prompt.text
    return chunks


def xmp_packet(chunks: dict[str, str]) -> str:
    """Give the XMP packet of an image.

    Args:
        chunks: What `text_chunks` gave.

    Returns:
        An XMP packet with IPTC's digitalSourceType (full URI), the AI system and its version, and
        the prompt where the chunks hold it.
    """
    properties = {
        "xmp:CreatorTool": chunks["Software"],
        "Iptc4xmpExt:DigitalSourceType": chunks["DigitalSourceType"],
        "Iptc4xmpExt:AISystemUsed": f"synthmed generator {chunks['generator']}",
        "Iptc4xmpExt:AISystemVersionUsed": chunks["generator_hash"],
    }
    if "prompt" in chunks:
        properties["Iptc4xmpExt:AIPromptInformation"] = chunks["prompt"]
    body = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in properties.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
        f"{body}</rdf:Description></rdf:RDF></x:xmpmeta>"
        '<?xpacket end="r"?>'
    )
