package openslo

// Content is what the document of an object says, for comparing.
func (o Object) Content() any { return o.content }

// KeepsComments is for texts that the parser of YAML does not lose one of.
var KeepsComments = keepsComments
