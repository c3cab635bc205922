"""Questions to crates and to the store: SPARQL on the RDF that their JSON-LD means."""
