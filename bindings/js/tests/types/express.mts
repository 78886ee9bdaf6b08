// An Express application as its author writes it, with Express' own types.
import { createGate, request } from "licentia";
import { licensed } from "licentia/express";
import express from "express";

const gate = createGate({ keys: [] });
const app = express();
app.use(licensed(gate));
app.get("/exports", licensed(gate, { features: ["export"] }), (req, res) => {
  res.json({ customer: req.licentia?.license?.sub, code: req.licentia?.code });
});
app.get("/jobs/:id", licensed(() => gate, { meters: ["calls"] }), (req, res) => {
  res.json({ id: req.params.id, left: req.licentia?.charges });
});
export const needs = request({ features: ["export"] });
// @ts-expect-error a misspelt key
export const misspelt = request({ feature: ["export"] });
