// The description of the programs' interface, drawn from our own copy of Swagger UI.

window.SwaggerUIBundle({ url: "/api/v1/openapi.json", dom_id: "#swagger", deepLinking: true });
